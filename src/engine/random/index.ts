export { type HostRandom, hostRandom } from "./host.js";
export * from "./keys.js";
