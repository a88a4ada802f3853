/* What a Lambda function gets: an event of ours, in the form that the service in front of it would give. */

/** Stands where Lambda has the number of an account. */
export const accountId = '000000000000';

/**
@param kind 2.0 or 1.0: as API Gateway writes requests; body: the request's body; event: as this project writes it
@param call {event, target, form, body}: the event without its body, the request's target where the event does not tell all of it, the bytes of the body
@returns text of JSON
*/
export function payloadOf(kind, {event, target, form, body}, region) {
  const {eventType} = event.requestContext ?? {};
  const text = () => textOf(form, body);
  if (kind === 'event') return JSON.stringify({...event, body: text(), isBase64Encoded: form > 0});
  if (eventType === 'cron' && event.requestContext.schedule !== undefined && isNoInput(body))
    return JSON.stringify(tickOf(event.requestContext, region));
  if (kind === 'body' || eventType !== 'http') return jsonOf(form, body);
  return JSON.stringify(kind === '1.0' ? restOf(event, text(), form > 0) : httpOf(event, target, text(), form > 0));
}

const textOf = (form, body) => body.toString(form === 1 ? 'base64' : 'utf8');

/** Clients read JSON: what is none becomes a text of it, and bytes that are no text one in base64. */
function jsonOf(form, body) {
  const text = textOf(form, body);
  if (form > 0) return JSON.stringify(text);
  if (text === '') return '{}';
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** A schedule without an input delivers `{}`. */
const isNoInput = body => body.length === 0 || body.toString() === '{}';

/** As EventBridge writes a tick of a rule that has no input of its own. */
function tickOf({requestId, schedule}, region) {
  return {
    version: '0',
    id: requestId,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: accountId,
    time: schedule.occurrence.replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [`arn:aws:events:${region}:${accountId}:rule/${schedule.name}`],
    detail: {},
  };
}

/** Payload format 2.0 of API Gateway, and of function URLs. */
function httpOf(event, target, body, isBase64Encoded) {
  const {httpMethod: method, multiValueHeaders, multiValueQueryStringParameters: query, requestContext} = event;
  const [path, rawQuery] = target === undefined ? [encodedPath(event.path), queryOf(query)] : divided(target);
  const headers = {};
  for (const [name, values] of Object.entries(multiValueHeaders)) headers[name.toLowerCase()] = values.join(',');
  const {cookie, ...others} = headers;
  const cookies = multiValueHeaders.Cookie?.flatMap(each => each.split(/;\s*/)).filter(each => each !== '');
  const parameters = Object.entries(query).map(([name, values]) => [name, values.join(',')]);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: rawQuery,
    ...(cookies && {cookies}),
    headers: others,
    ...(parameters.length > 0 && {queryStringParameters: Object.fromEntries(parameters)}),
    requestContext: {
      accountId,
      apiId: 'core',
      ...domainOf(headers.host),
      http: {method, path, protocol: 'HTTP/1.1', sourceIp: requestContext.identity.sourceIp, userAgent: headers['user-agent'] ?? ''},
      requestId: requestContext.requestId,
      routeKey: '$default',
      stage: '$default',
      ...timesOf('time', 'timeEpoch'),
    },
    ...(body !== '' && {body}),
    isBase64Encoded,
  };
}

/** Path and query of a target. */
function divided(target) {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Payload format 1.0: that of REST APIs. */
function restOf(event, body, isBase64Encoded) {
  const {httpMethod, path, headers, multiValueHeaders, requestContext} = event;
  const {queryStringParameters: query, multiValueQueryStringParameters: multiQuery} = event;
  const hasQuery = Object.keys(query).length > 0;
  const proxy = path.slice(1);
  const resource = proxy === '' ? '/' : '/{proxy+}';
  return {
    version: '1.0',
    resource,
    path,
    httpMethod,
    headers,
    multiValueHeaders,
    queryStringParameters: hasQuery ? query : null,
    multiValueQueryStringParameters: hasQuery ? multiQuery : null,
    requestContext: {
      accountId,
      apiId: 'core',
      authorizer: null,
      ...domainOf(headers.Host),
      extendedRequestId: requestContext.requestId,
      httpMethod,
      identity: {sourceIp: requestContext.identity.sourceIp, userAgent: headers['User-Agent'] ?? null},
      path,
      protocol: 'HTTP/1.1',
      requestId: requestContext.requestId,
      ...timesOf('requestTime', 'requestTimeEpoch'),
      resourceId: 'core',
      resourcePath: resource,
      stage: '$default',
    },
    pathParameters: proxy === '' ? null : {proxy},
    stageVariables: null,
    body: body === '' ? null : body,
    isBase64Encoded,
  };
}

function domainOf(host = 'localhost') {
  const [domainName] = host.split(':');
  return {domainName, domainPrefix: domainName.split('.')[0]};
}

/** `12/Mar/2020:19:03:58 +0000`, and milliseconds since 1970. */
function timesOf(text, epoch) {
  const now = new Date();
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(now.toUTCString());
  return {[text]: `${day}/${month}/${year}:${time} +0000`, [epoch]: now.getTime()};
}

/** The path came decoded: whatever is not plain in one is written as an escape. */
const encodedPath = path =>
  path.replace(/[^\w\-.~!$&'()*+,;=:@/]+/g, text => `%${Buffer.from(text).toString('hex').toUpperCase().match(/../g).join('%')}`);

const queryOf = query =>
  new URLSearchParams(Object.entries(query).flatMap(([name, values]) => values.map(value => [name, value]))).toString();
