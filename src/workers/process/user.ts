import {readFileSync} from 'node:fs';
import {ConfigurationError} from '../../errors.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
The user that the sub-runtimes run as.

@param given `10002:10002`, `10002` (the group of the same number), or a name of /etc/passwd
@throws ConfigurationError when the user does not exist, or the core may not become another user
*/
export function resolveUser(
  given: string,
  {readPasswd = () => readFileSync('/etc/passwd', 'utf8'), ownId = process.getuid?.() ?? -1} = {},
): User {
  const user = byNumber(given) ?? byName(given, readPasswd());
  if (!user) throw new ConfigurationError([`CORE_CHILD_USER: expected a user of this system or uid:gid, got \`${given}\``]);
  if (ownId !== 0 && ownId !== user.uid) {
    throw new ConfigurationError(['CORE_CHILD_USER: expected the core to run as root, who alone can become another user']);
  }
  return user;
}

function byNumber(given: string): User | undefined {
  const [, uid, gid = uid] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(given) ?? [];
  return uid === undefined ? undefined : {uid: Number(uid), gid: Number(gid)};
}

/** name:password:uid:gid:… */
function byName(given: string, passwd: string): User | undefined {
  const fields = passwd
    .split('\n')
    .map(line => line.split(':'))
    .find(([name]) => name === given);
  return fields?.[2] && fields[3] ? {uid: Number(fields[2]), gid: Number(fields[3])} : undefined;
}
