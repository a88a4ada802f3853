/** What `init` knows of a language, besides its folder in `templates/`. */
export interface Language {
  /** Runs the test of a new function, in its folder. */
  readonly test: string;
  /** Builds it and serves it there. */
  readonly serve: string;
  /** The library that makes a function of a program; it is copied, so that the function's folder is whole. */
  readonly library?: {readonly folder: string; readonly files: RegExp};
}

const serve = 'npx core-runtime dev';

export const languages = {
  node: {test: 'npm test', serve},
  typescript: {test: 'npm test', serve},
  python: {test: 'python3 -m unittest', serve},
  php: {test: 'php test.php', serve},
  go: {
    test: 'go test .',
    serve: `go build -o handler . && ${serve}`,
    library: {folder: 'runtimes/go', files: /^(go\.mod|README\.md|((events|lambda)\/)?[a-z]+\.go)$/},
  },
  rust: {
    test: 'cargo test',
    serve: `cargo build --release && ${serve} target/release/handler`,
    library: {folder: 'runtimes/rust', files: /^(Cargo\.toml|README\.md|build\.rs|src\/.+\.rs)$/},
  },
} as const satisfies Readonly<Record<string, Language>>;

export type LanguageName = keyof typeof languages;
