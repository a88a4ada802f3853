/** Runs by the clock: does the work of one occurrence, and of that one however often it is called for it. */
module.exports.handle = event => {
  const {schedule} = event.requestContext;
  if (!schedule) return {statusCode: 200, body: 'This function runs by the clock; see schedules.json.'};
  const {task} = JSON.parse(event.body);
  // The occurrence, not the time of day, says which day or minute this run is about: it may come late or twice.
  console.log(`${schedule.name}: ${task} for ${schedule.occurrence}`);
};
