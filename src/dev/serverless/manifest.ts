import type {PlatformRuntime} from './runtimes.ts';

/** What a `serverless.yml` says. */
export interface Manifest {
  readonly functions: readonly ManifestFunction[];
  /** What has no effect, is not known or could not be resolved: a line each, with the place in the file. */
  readonly notes: readonly string[];
}

export interface ManifestFunction {
  readonly name: string;
  readonly runtime: PlatformRuntime;
  /** As it was written. */
  readonly handler: string;
  readonly isPrivate: boolean;
  /** Variables of the function, and the settings that the manifest says of it, such as CORE_TIMEOUT. */
  readonly variables: Readonly<Record<string, string>>;
}
