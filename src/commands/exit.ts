/** Exit codes of every command; docs/operations.md says what they mean. @see sysexits.h for those from 64 on */
export const exit = {
  failed: 1,
  misused: 64,
  noJournal: 66,
  unavailable: 69,
  misconfigured: 78,
} as const;
