import type {IPublishPacket} from 'mqtt';

type Properties = NonNullable<IPublishPacket['properties']>;

/** User properties of MQTT 5. */
export function attributesOf({userProperties = {}}: Properties): string[] {
  return Object.entries(userProperties).flatMap(([name, value]) => [value].flat().flatMap(each => [name, String(each)]));
}

/** What names a message among those of its topic. */
export function idOf({userProperties = {}}: Properties, property: string): string | undefined {
  const given = Object.hasOwn(userProperties, property) ? [userProperties[property]].flat()[0] : undefined;
  return given === '' ? undefined : given;
}

export function factsOf({topic, qos, retain, properties = {}}: IPublishPacket): Record<string, unknown> {
  const {responseTopic, correlationData} = properties;
  return {
    topic,
    qos,
    ...(retain && {retained: true}),
    ...(responseTopic !== undefined && {responseTopic}),
    ...(correlationData !== undefined && {correlationData: Buffer.from(correlationData).toString('base64')}),
  };
}
