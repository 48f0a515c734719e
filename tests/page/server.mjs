// The real server as a process, on a data folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 30_000;

/** How long after each other three pictures of a filled library were saved, in milliseconds: ten minutes. */
const APART_MS = 600_000;

async function fill(folder, images) {
  const filling = spawn(process.env.TINTYPE_BENCH_BIN, ["--fill", folder, "--images", String(images), "--apart-ms", String(APART_MS)], { stdio: "inherit" });
  const [code] = await once(filling, "exit");
  if (code !== 0) throw new Error(`the library could not be filled: ${code}`);
}

/** A server for one test. */
export class Server {
  #home;
  #child;
  #key;

  /** @param {{model?: string, workers?: number, key?: string, images?: number}} [settings] `images`: begin with so many saved, which have no bytes. */
  static async start({ model = "tintype-icons", workers = 1, key, images = 0 } = {}) {
    const server = new Server();
    server.#home = await mkdtemp(join(tmpdir(), "tintype-page-"));
    if (images > 0) await fill(join(server.#home, "data"), images);
    server.#key = key;
    server.arguments = ["--model", model, "--workers", String(workers)];
    const hash = (text) => createHash("sha256").update(text).digest("hex");
    const config = key ? `[[keys]]\nowner = "alice"\nsha256 = "${hash(key)}"\n` : "";
    await writeFile(join(server.#home, "config.toml"), config);
    await server.#run("127.0.0.1:0");
    return server;
  }

  async #run(listen) {
    const file = (name) => join(this.#home, name);
    await rm(file("ready"), { force: true });
    const log = await open(file("log"), "a");
    const own = ["serve", "--listen", listen, "--data", file("data"), "--ready-file", file("ready"), "--config", file("config.toml")];
    this.#child = spawn(process.env.TINTYPE_BIN, [...own, ...this.arguments], { stdio: ["ignore", log.fd, log.fd] });
    await log.close();
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(5)) {
      const address = await readFile(file("ready"), "utf8").catch(() => "");
      if (address !== "") {
        this.address = address.trim();
        this.url = `http://${this.address}/`;
        return;
      }
      if (this.#child.exitCode !== null) break;
    }
    throw new Error(`the server does not listen:\n${await readFile(file("log"), "utf8")}`);
  }

  /** Takes the process away without a warning. */
  async kill() {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** Starts it again on the same folder and the same port. */
  async restart() {
    await this.#run(this.address);
  }

  /** Another client's request. */
  async call(method, path, body) {
    const headers = { "content-type": "application/json", ...(this.#key && { authorization: `Bearer ${this.#key}` }) };
    const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Another client's job, drawn. */
  async drawn(input) {
    const job = await this.call("POST", "generate", input);
    const events = await fetch(this.url + job.links.events.slice(1), { headers: this.#key ? { authorization: `Bearer ${this.#key}` } : {} });
    // The stream ends with the job.
    await events.text();
    return this.call("GET", `jobs/${job.id}`);
  }

  /** Another client's picture, drawn and saved. */
  async saved(input) {
    const job = await this.drawn(input);
    return this.call("POST", "save", { job_id: job.id, index: 0 });
  }

  /** Another client's own picture, saved. @param {Buffer} bytes */
  upload(bytes, fields = {}) {
    return this.call("POST", "save", { image: bytes.toString("base64"), ...fields });
  }

  /** Ends it and removes its folder. */
  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
    await rm(this.#home, { recursive: true, force: true });
  }
}
