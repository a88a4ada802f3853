import type {IPublishPacket, MqttClient} from 'mqtt';

/** MQTT 5: the broker has taken a message that nobody gets. */
const noSubscribers = 16;

/** @returns sends a copy of a message. It rejects when the broker has not taken it, or says that nobody gets it */
export function deadLetterSender(client: MqttClient, topic: string): (packet: IPublishPacket, why: string) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let reachedNobody = false;
  client.on('packetreceive', packet => {
    if (packet.cmd === 'puback' && packet.reasonCode === noSubscribers) reachedNobody = true;
  });

  return (packet, why) => {
    const sent = last.then(() => send(packet, why)); // one after the other, so that the answer belongs to the last
    last = sent.catch(() => {});
    return sent;
  };

  async function send({topic: from, payload, properties = {}}: IPublishPacket, why: string): Promise<void> {
    reachedNobody = false;
    const {topicAlias: _, subscriptionIdentifier: __, messageExpiryInterval: ___, ...same} = properties;
    const userProperties = {...same.userProperties, 'core-reason': why, 'core-topic': from};
    const isModern = client.options.protocolVersion === 5;
    await client.publishAsync(topic, payload, {qos: 1, ...(isModern && {properties: {...same, userProperties}})});
    if (reachedNobody) throw new Error(`nobody has subscribed to ${topic}, so that the broker would forget the dead letter`);
  }
}
