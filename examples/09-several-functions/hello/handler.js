exports.handle = async event => {
  const {name = 'world'} = event.queryStringParameters;
  return {message: `${process.env.GREETING}, ${name}!`, path: event.path};
};
