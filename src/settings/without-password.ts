/** A URL of any scheme may have a name and a password in it: all up to the last @ of its host. Those of the web need no slashes. */
export const withoutPassword = (given: string): string =>
  given
    .replaceAll(/\b(https?:\/*|[a-z][a-z\d+.-]{0,30}:\/\/)[^/?#\s"]*@/gi, '$1(hidden)@')
    .replaceAll(/([?&]password=)[^&#\s"]+/gi, '$1(hidden)');
