// Produces and consumes a few records with kafkajs:
// `node kafkajs.mjs ADDRESS:PORT`.

import { CompressionTypes, Kafka, logLevel } from "kafkajs";

const kafka = new Kafka({
  clientId: "kafkajs",
  brokers: [process.argv[2]],
  logLevel: logLevel.NOTHING,
});

const producer = kafka.producer({ allowAutoTopicCreation: true });
await producer.connect();
for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
  await producer.send({
    topic: "games",
    acks: -1,
    compression,
    messages: [
      { key: "EUW1_1", value: "first", headers: { kind: "match" } },
      { key: null, value: "second" },
    ],
  });
}
await producer.disconnect();

const idempotent = kafka.producer({ idempotent: true });
await idempotent.connect();
await idempotent.send({ topic: "games", messages: [{ value: "once" }] });
await idempotent.disconnect();

const admin = kafka.admin();
await admin.connect();
await admin.fetchTopicMetadata({ topics: ["games"] });
await admin.fetchTopicOffsets("games");
await admin.disconnect();
