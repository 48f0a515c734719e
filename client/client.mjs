#!/usr/bin/env node
// A whole client of Tintype: asks for a picture, waits for it on the WebSocket, keeps it and lists what is kept.
//
//     node client.mjs API_URL WEBSOCKET_URL KEY "a red heart"
//
// The URLs are outputs of the stack. Node 22 and browsers have a WebSocket of their own; Node 20 has one behind
// `--experimental-websocket`, and older ones take that of the package `ws`.

const [api, socketUrl, key, prompt] = process.argv.slice(2);
if (!prompt) {
  console.error('usage: node client.mjs API_URL WEBSOCKET_URL KEY "a prompt"');
  process.exit(2);
}

/** One request; a problem (RFC 9457) becomes an error with the server's own words. */
async function call(method, path, body, headers = {}) {
  const answer = await fetch(api.replace(/\/$/, "") + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** The job's last message; each is shown as it comes. A ticket opens the socket, because browsers send no header there. */
async function follow(jobId) {
  const { ticket } = await call("POST", "/tickets");
  const Socket = globalThis.WebSocket ?? (await import("ws")).default;
  const socket = new Socket(`${socketUrl}?ticket=${ticket}`);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error("the WebSocket failed; repeat with `after` to go on where it was"));
    socket.onopen = () => socket.send(JSON.stringify({ action: "subscribe", job_id: jobId, after: 0 }));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      console.log(message.type, JSON.stringify(message.data));
      if (/^(job\.(succeeded|failed|canceled|expired)|error)$/.test(message.type)) {
        socket.close();
        resolve(message);
      }
    };
  });
}

const job = await call("POST", "/generate", { prompt }, { "idempotency-key": crypto.randomUUID() });
console.log("job", job.id);
const last = await follow(job.id);
if (last.type !== "job.succeeded") process.exit(1);
console.log("picture", last.data.images[0].url);
const image = await call("POST", "/save", { job_id: job.id, index: 0, tags: ["client"] });
console.log("saved", image.id);
for (const item of (await call("GET", "/images?limit=5")).items) console.log("kept", item.id, item.prompt);
