// kafkajs at work: `node kafkajs.mjs ADDRESS`. Reads one task after the other as
// a line of JSON and writes what kafkajs told as a line of JSON.
import { createInterface } from "node:readline";
import kafkajs from "kafkajs";

const { Kafka, CompressionTypes, Partitioners, logLevel } = kafkajs;
const kafka = new Kafka({
  brokers: [process.argv[2]],
  clientId: "herald-tests",
  logLevel: logLevel.NOTHING,
  retry: { retries: 2, initialRetryTime: 50 },
});

async function produce({ topic, messages, acks, gzip, ...options }) {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 2, initialRetryTime: 50 },
    ...options,
  });
  await producer.connect();
  try {
    return await producer.send({
      topic,
      messages,
      acks,
      compression: gzip ? CompressionTypes.GZIP : CompressionTypes.None,
    });
  } finally {
    await producer.disconnect();
  }
}

async function administrate({ call, argument }) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await admin[call](...(argument === undefined ? [] : [argument]));
  } finally {
    await admin.disconnect();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  let told;
  try {
    const result = await (task.call ? administrate(task) : produce(task));
    told = { result: result ?? null };
  } catch (error) {
    const [first] = error.errors ?? [];
    told = { error: first?.type ?? error.cause?.type ?? error.type ?? error.name };
  }
  console.log(JSON.stringify(told));
}
