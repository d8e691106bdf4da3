/**
 * A small node for the page: it serves the built page and a feed of scripted
 * games, and misbehaves when asked to. `npm run mock -- DIST [PORT]` runs it
 * by hand, with a step of each live game every second.
 */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";
import { someGames } from "./game.mjs";

/** What a node sends with the page. */
export const policy = "default-src 'self'";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export class MockNode {
  constructor({ dist, games = someGames() }) {
    this.dist = dist;
    this.games = new Map(games.map((game) => [game.state.matchId, game]));
    this.incarnation = 1;
    /** Everything that clients sent, oldest first. */
    this.received = [];
    this.listHistory = [];
    this.histories = new Map();
    this.subscriptions = new Set();
    this.refusing = false;
    /** Answers nothing to subscriptions while set. */
    this.mute = false;
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((problem) => {
        response.writeHead(500).end(String(problem));
      });
    });
    this.sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => offered.has("herald.v1.json")
        ? "herald.v1.json" : false,
    });
    this.server.on("upgrade", (request, socket, head) => {
      if (this.refusing || request.url !== "/v1/feed") {
        socket.destroy();
        return;
      }
      this.sockets.handleUpgrade(request, socket, head,
        (client) => this.accept(client));
    });
  }

  async listen(port = 0) {
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  async close() {
    this.drop();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  async answer(request, response) {
    const { pathname } = new URL(request.url, "http://node");
    const match = /^\/v1\/matches\/([^/]+)$/.exec(pathname);
    if (match) {
      const game = this.games.get(match[1]);
      response.writeHead(game ? 200 : 404, { "content-type": "application/json" })
        .end(JSON.stringify(game ? { state: game.state } : {}));
      return;
    }
    const path = normalize(pathname === "/" ? "/index.html" : pathname);
    if (path !== "/index.html" && !path.startsWith("/assets/")) {
      response.writeHead(404).end();
      return;
    }
    let body;
    try {
      body = await readFile(join(this.dist, path));
    } catch {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
    }).end(body);
  }

  accept(client) {
    client.on("message", (data) => {
      const frame = JSON.parse(String(data));
      this.received.push(frame);
      if (frame.type === "unsubscribe")
        this.forget(client, frame.id);
      else if (!this.mute)
        this.subscribe(client, frame);
    });
    client.on("close", () => this.forget(client));
  }

  forget(client, id) {
    for (const subscription of this.subscriptions)
      if (subscription.client === client
        && (id === undefined || subscription.id === id))
        this.subscriptions.delete(subscription);
  }

  history(match) {
    if (match === "*")
      return this.listHistory;
    if (!this.histories.has(match))
      this.histories.set(match, []);
    return this.histories.get(match);
  }

  cursor(match, next = this.history(match).length) {
    return Buffer.from(`${this.incarnation}/${next}`).toString("base64url");
  }

  subscribe(client, { id, match, cursor }) {
    const refuse = (code, message) =>
      this.send(client, { type: "error", id, cursor, code, message });
    if (match !== "*" && !this.games.has(match))
      return refuse("match_unknown",
        `no event names the match ${match} yet`);
    const subscription = { client, id, match };
    if (cursor === undefined) {
      this.subscriptions.add(subscription);
      return this.snapshot(subscription);
    }
    const [incarnation, next] = Buffer.from(cursor, "base64url").toString()
      .split("/").map(Number);
    const history = this.history(match);
    if (incarnation !== this.incarnation)
      return refuse("cursor_foreign",
        "the cursor is of another incarnation of the log");
    this.subscriptions.add(subscription);
    if (history.slice(next).includes(undefined)) {
      this.send(client,
        { type: "gap", id, match, cursor, reason: "expired" });
      return this.snapshot(subscription);
    }
    history.slice(next).forEach((update, place) => this.send(client,
      { ...update, id, cursor: this.cursor(match, next + place + 1) }));
  }

  state(match) {
    return match === "*"
      ? { matches: [...this.games.values()].map((game) => game.summary()) }
      : this.games.get(match).state;
  }

  snapshot({ client, id, match }) {
    this.send(client, {
      type: "snapshot", id, match, cursor: this.cursor(match),
      state: this.state(match),
    });
  }

  publish(match, event, patch) {
    const update = { type: "update", match, event, time: Date.now(), patch };
    this.history(match).push(update);
    for (const { client, id, match: wanted } of this.subscriptions)
      if (wanted === match)
        this.send(client, { ...update, id, cursor: this.cursor(match) });
  }

  send(client, frame) {
    if (client.readyState === client.OPEN)
      client.send(JSON.stringify(frame));
  }

  changed(game, event, patch) {
    this.publish(game.state.matchId, event, patch);
    this.publish("*", event, { set: {}, upsert: { matches: [game.summary()] } });
  }

  /** One step of each live game. */
  tick() {
    for (const game of this.games.values())
      if (game.state.state === "live" && !game.silent)
        this.changed(game, "match.live.updated", game.step());
  }

  finish(match) {
    const game = this.games.get(match);
    this.changed(game, "match.completed", game.finish());
  }

  /** Cuts all connections without a word, as a killed process does. */
  drop() {
    for (const client of this.sockets.clients)
      client.terminate();
  }

  /** Closes all connections with a code. */
  dismiss(code, reason) {
    for (const client of this.sockets.clients)
      client.close(code, reason);
  }

  /** History that a cursor may point into expires. */
  expire(match) {
    this.history(match).fill(undefined);
  }

  /** The log is restored from a copy: old cursors mean nothing any more. */
  restore() {
    this.incarnation += 1;
    this.drop();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [dist, port = "8080"] = process.argv.slice(2);
  if (dist === undefined) {
    console.error("usage: npm run mock -- DIST [PORT]");
    process.exit(2);
  }
  const node = new MockNode({ dist });
  console.log(`mock ready ${await node.listen(Number(port))}`);
  setInterval(() => node.tick(), 1_000);
}
