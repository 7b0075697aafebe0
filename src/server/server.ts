import type { AddressInfo } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { HebbError } from "../engine/errors.js";
import type { Desk } from "../lab/desk.js";
import { api } from "./api.js";
import { guard, headers, newToken } from "./guard.js";
import { site } from "./site.js";

export interface LabServerOptions {
  readonly desk: Desk;
  readonly device: string;
  /** The folder of the built pages. */
  readonly pages: string;
  /** The folder of the runs. */
  readonly root: string;
  /** Default: this machine alone. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** Default: drawn. */
  readonly token?: string;
}

export interface LabServer {
  /** With the token. */
  readonly url: string;
  readonly port: number;
  /** Closes the door and every connection; runs are the desk's. */
  close(): Promise<void>;
}

/** Serves the lab's pages and what they ask for. */
export async function startServer(options: LabServerOptions): Promise<LabServer> {
  const { host = "127.0.0.1", port = 0, token = newToken() } = options;
  let hosts: readonly string[] = [];
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
  });
  app.use(guard({ token, hosts: () => hosts }));
  app.route("/api", api(options));
  app.get("*", site(options.pages));
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, hostname: host, port }, () => resolve(started));
    started.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new HebbError(
          error.code === "EADDRINUSE"
            ? `Port ${port} is taken: choose another with --port, or leave it out for any free one.`
            : `The server cannot listen on ${host}: ${error.message}.`,
        ),
      ),
    );
  });
  const { port: actual } = server.address() as AddressInfo;
  hosts = namesOf(host).flatMap((name) => [`${name}:${actual}`, ...(actual === 80 ? [name] : [])]);
  const shown = isEverywhere(host) ? "127.0.0.1" : inAddress(host);
  return {
    url: `http://${shown}:${actual}/?token=${token}`,
    port: actual,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

const isEverywhere = (host: string): boolean => ["0.0.0.0", "::"].includes(host);
const inAddress = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** The names by which a server that listens on `host` may be called; one that listens everywhere has all of this machine. */
function namesOf(host: string): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const own = isEverywhere(host) ? [hostname().toLowerCase(), ...addresses] : [host];
  return [...new Set(["127.0.0.1", "localhost", "[::1]", ...own.map(inAddress)])];
}
