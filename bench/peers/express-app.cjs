// A function in Express itself: no process of its own, no hop, no event.
const express = require('express');

const {IN_PROCESS_FUNCTIONS, FUNCTION_TARGET, PORT} = process.env;
const handle = require(IN_PROCESS_FUNCTIONS)[FUNCTION_TARGET];

express()
  .use(express.text({limit: '64mb'}))
  .all('/', handle)
  .listen(Number(PORT), '127.0.0.1');
