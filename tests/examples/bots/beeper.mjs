// A bot in Node without any package, that answers each turn with a tone: `node beeper.mjs URL`.
// `--fault mu-law` answers in what it hears, mu-law; the platform takes 16-bit linear samples.
import crypto from "node:crypto";
import http from "node:http";

const [url, ...options] = process.argv.slice(2);
const isMulaw = options.includes("mu-law");
const FRAMES = 30, PAUSE_FRAMES = 15, LOUD = 0x38;

// RFC 6455 5.2 and 5.3: what a client sends is masked; 0x82 is a whole binary message.
function message(payload) {
  const head = payload.length < 126
    ? Buffer.from([0x82, 0x80 | payload.length])
    : Buffer.from([0x82, 0x80 | 126, payload.length >> 8, payload.length & 255]);
  const mask = crypto.randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at % 4])]);
}

function tone(number) {
  const samples = Int16Array.from({ length: 160 }, (_, at) =>
    8000 * Math.sin((2 * Math.PI * 440 * (number * 160 + at)) / 8000));
  if (!isMulaw) return Buffer.from(samples.buffer);
  return Buffer.from(samples.map((sample) => mulaw(sample)));
}

// ITU-T G.711: sign, segment, four bits of the step, all inverted.
function mulaw(sample) {
  const size = Math.min(Math.abs(sample) + 132, 32767);
  const segment = Math.max(0, 24 - Math.clz32(size));
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | ((size >> (segment + 3)) & 15)) & 255;
}

function answer(socket) {
  const begun = performance.now();
  const say = (number) => {
    if (number === FRAMES || socket.destroyed) return;
    socket.write(message(tone(number)));
    setTimeout(() => say(number + 1), begun + (number + 1) * 20 - performance.now());
  };
  say(0);
}

let heard = Buffer.alloc(0), quiet = 0, spoke = false;
function take(socket, payload) {
  const isLoud = payload.some((byte) => (~byte & 0x7f) > LOUD);
  quiet = isLoud ? 0 : quiet + 1;
  spoke ||= isLoud;
  if (spoke && quiet >= PAUSE_FRAMES) {
    spoke = false;
    answer(socket);
  }
}

const headers = {
  Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": crypto.randomBytes(16).toString("base64"),
};
http.get(url.replace(/^ws/, "http"), { headers }).on("upgrade", (_, socket, head) => {
  socket.on("error", () => {});
  socket.on("data", (data) => {
    heard = Buffer.concat([heard, data]);
    while (heard.length >= 2) {
      const isLong = (heard[1] & 127) === 126, from = isLong ? 4 : 2;
      const size = isLong ? heard.readUInt16BE(2) : heard[1] & 127;
      if (heard.length < from + size) break;
      if ((heard[0] & 15) === 2) take(socket, heard.subarray(from, from + size));
      heard = heard.subarray(from + size);
    }
  });
  socket.emit("data", head);
});
