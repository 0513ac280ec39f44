// Calls the API as a user of the client would, and prints what came of it as JSON.
// Environment: API, KEY, ONLY_READS and ONE_A_MINUTE (keys), UNREADABLE (a key), PHOTO (a file), VIDEO (a file to write).
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";

const { API, KEY, ONLY_READS, ONE_A_MINUTE, UNREADABLE, PHOTO, VIDEO } = process.env;
const ABSENT = "0f0e0d0c-0b0a-8009-8807-060504030201";
const clientOf = (apiKey) => new OpenAI({ apiKey, baseURL: `${API}/v1`, maxRetries: 0 });
const { videos } = clientOf(KEY);

async function ended(video) {
  while (["queued", "in_progress"].includes(video.status)) {
    await sleep(300);
    video = await videos.retrieve(video.id);
  }
  return video;
}

async function raised(call) {
  try {
    return { raised: null, gave: await call() };
  } catch (error) {
    return { raised: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
}

async function ids(list) {
  const found = [];
  for await (const video of list) found.push(video.id);
  return found;
}

const made = await ended(
  await videos.create({
    model: "sora-2",
    prompt: "a lake by node",
    seconds: "4",
    size: "1792x1024",
    input_reference: fs.createReadStream(PHOTO),
    metadata: { order: "81" },
    concepts: ["push_in", "low_angle"],
    vendor: "apiframe",
  }),
);
const content = await videos.downloadContent(made.id);
fs.writeFileSync(VIDEO, Buffer.from(await content.arrayBuffer()));

const photo = fs.readFileSync(PHOTO);
const named = await videos.create({
  prompt: "named by node",
  input_reference: { image_url: `data:image/jpeg;base64,${photo.toString("base64")}` },
});
const blob = await ended(await videos.create({ prompt: "gone by node", input_reference: await toFile(photo, "photo.jpg") }));
const newestFirst = await ids(videos.list({ limit: 1 }));
const oldestFirst = await ids(videos.list({ limit: 2, order: "asc" }));
const deleted = await videos.delete(blob.id);

const hasty = clientOf(ONE_A_MINUTE).videos;
const errors = {
  bad_prompt: await raised(() => videos.create({ prompt: "" })),
  bad_seconds: await raised(() => videos.create({ prompt: "x", seconds: "12", allow_substitution: false })),
  bad_key: await raised(() => clientOf(`sm_${"x".repeat(43)}`).videos.list()),
  bad_scope: await raised(() => clientOf(ONLY_READS).videos.create({ prompt: "x" })),
  absent: await raised(() => videos.retrieve(ABSENT)),
  deleted: await raised(() => videos.downloadContent(blob.id)),
  remix: await raised(() => videos.remix(ABSENT, { prompt: "x" })),
  spritesheet: await raised(() => videos.downloadContent(made.id, { variant: "spritesheet" })),
  conflict: await raised(async () => {
    const headers = { "Idempotency-Key": "node-1" };
    await videos.create({ prompt: "once" }, { headers });
    return videos.create({ prompt: "another" }, { headers });
  }),
  unreachable: await raised(() =>
    videos.create({ prompt: "x", input_reference: { image_url: "https://127.0.0.1/1.jpg" } }),
  ),
  // Of three calls, two are in one minute of the clock.
  hasty: await raised(async () => [await hasty.list(), await hasty.list(), await hasty.list()]),
  unavailable: await raised(() => clientOf(UNREADABLE).videos.list()),
};
console.log(JSON.stringify({ made, named, deleted, newestFirst, oldestFirst, errors }));
