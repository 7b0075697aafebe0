import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/** A secret that only who was told the address knows. */
export const newToken = (): string => randomBytes(24).toString("base64url");

export interface GuardOptions {
  readonly token: string;
  /** Hosts by which the server may be called, with their port. */
  readonly hosts: () => readonly string[];
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
/** In a time that does not tell how much of it is right. */
const isSame = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(digest(given), digest(token));

/** Cookies do not tell ports apart: each lab has a name of its own. */
const cookieName = (token: string): string => `hebb-${digest(token).toString("hex").slice(0, 12)}`;

/** What a page of the lab may load and do; WASM and its workers are allowed, everything of other sites but data sets is not. */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self' blob: data: https:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** On every answer. */
export const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy": policy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/**
 * Lets in who knows the token, from pages of this server: a name that a foreign site has pointed here (DNS rebinding), and
 * requests that a foreign page makes, are refused. The token in the address becomes a cookie that scripts cannot read, and
 * leaves the address.
 */
export function guard({ token, hosts }: GuardOptions): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    const host = req.header("host") ?? "";
    if (!hosts().includes(host)) return context.text("This server does not answer to that name.", 421);
    const origin = req.header("origin");
    const site = req.header("sec-fetch-site");
    const own = `http://${host}`;
    const foreign =
      (origin !== undefined && origin !== own) || (site !== undefined && !["same-origin", "none"].includes(site));
    const given = req.query("token");
    if (req.path === "/" && given !== undefined) {
      if (!isSame(given, token)) return context.text(closed, 401);
      setCookie(context, cookieName(token), token, { httpOnly: true, sameSite: "Strict", path: "/" });
      return context.redirect("/", 303);
    }
    if (req.path === "/" || req.path.startsWith("/api/")) {
      if (foreign && req.path !== "/") return context.json({ error: "Requests from other sites are refused." }, 403);
      if (!isSame(getCookie(context, cookieName(token)), token)) {
        return req.path === "/" ? context.text(closed, 401) : context.json({ error: closed }, 401);
      }
    }
    return next();
  };
}

const closed = "This lab is closed to strangers: open the address that `hebb lab` has printed, with its token.";
