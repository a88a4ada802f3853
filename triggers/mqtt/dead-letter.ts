import type {IPublishPacket, MqttClient} from 'mqtt';

/** MQTT 5: the broker has taken a message that nobody gets. */
const noSubscribers = 16;

/**
@param lost rejects when the connection is lost: the client keeps what it has not sent for another one, and says nothing
@returns sends a copy of a message. It rejects when the broker has not taken it, or says that nobody gets it
*/
export function deadLetterSender(
  client: MqttClient,
  topic: string,
  lost: Promise<never>,
): (packet: IPublishPacket, why: string) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let reachedNobody = false;
  let giveUp = (_: Error) => {};
  let loss: Error | undefined;
  lost.catch((error: Error) => {
    loss = error;
    giveUp(error);
  });
  client.on('packetreceive', packet => {
    if (packet.cmd === 'puback' && packet.reasonCode === noSubscribers) reachedNobody = true;
  });

  return (packet, why) => {
    const sent = last.then(() => send(packet, why)); // one after the other, so that the answer belongs to the last
    last = sent.catch(() => {});
    return sent;
  };

  async function send({topic: from, payload, properties = {}}: IPublishPacket, why: string): Promise<void> {
    if (loss) throw loss;
    reachedNobody = false;
    const {topicAlias: _, subscriptionIdentifier: __, messageExpiryInterval: ___, ...same} = properties;
    const userProperties = {...same.userProperties, 'core-reason': why, 'core-topic': from};
    const isModern = client.options.protocolVersion === 5;
    const options = {qos: 1, ...(isModern && {properties: {...same, userProperties}})} as const;
    await new Promise<unknown>((resolve, reject) => {
      giveUp = reject;
      client.publishAsync(topic, payload, options).then(resolve, reject);
    });
    if (reachedNobody) throw new Error(`nobody has subscribed to ${topic}, so that the broker would forget the dead letter`);
  }
}
