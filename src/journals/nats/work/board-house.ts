import type {Cores} from '../../../journal.ts';
import type {Commits} from '../commit.ts';
import type {Subjects} from '../subjects.ts';
import type {Transport} from '../transport.ts';

/** What knowing all work needs. */
export interface BoardHouse {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly commits: Commits;
  readonly cores: Cores;
  /** This core. */
  readonly core: string;
  after(ms: number, fire: () => void): () => void;
}
