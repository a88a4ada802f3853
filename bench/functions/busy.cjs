// Two milliseconds of work that keeps the process busy.
exports.handle = () => {
  const until = performance.now() + 2;
  while (performance.now() < until);
  return {body: 'fine'};
};
