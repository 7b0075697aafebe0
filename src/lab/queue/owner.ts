import { hostname } from "node:os";

/** A process, as others that share its files know it. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
}

/** This process; the host's name is fit for the name of a file. */
export const self = (): Owner => ({ host: hostname().replaceAll(/[^\w.-]/g, "-"), pid: process.pid });

/** Whether a process is known to have ended. Of another machine's nothing is known. */
export function isGone({ host, pid }: Owner): boolean {
  if (host !== self().host) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
