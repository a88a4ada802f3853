/**
The HTTP client for what the core asks of other machines by itself. It goes where it was told and nowhere else, and does not
decompress, so that a small answer cannot become a large one. It is loaded when it is first needed.
*/
export async function outboundHttp() {
  const {default: got} = await import('got');
  return got.extend({followRedirect: false, decompress: false, retry: {limit: 0}});
}
