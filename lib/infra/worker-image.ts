import type { CloudSettings } from "../contract/cloud.ts";

type WorkerImage = NonNullable<CloudSettings["workerImage"]>;

/** The program that the image runs. */
export const workerEntry = "worker/main.ts";

/** The program that an agent on Strands runs in, and the one by which an agent dispatches. */
export const childEntry = "worker/frameworks/strands/child.ts";
export const bridgeEntry = "lib/client/bridge/main.ts";
export const childName = "strands";
const bridgeName = "bridge";
/** What the worker starts lies beside it under these names, each with files of its own. */
export const besideWorker: Readonly<Record<string, string>> = { [childEntry]: childName, [bridgeEntry]: bridgeName };

/**
 * A package that lies beside the bundle as it is, because it looks for its own files: the client of a browser that runs
 * elsewhere. What it has for people, and for browsers of its own, is left out.
 */
export const imagePackage = { name: "playwright", without: ["bin", "types", "lib/vite"] } as const;

/** The Claude Code that an image gets which is to have it. */
const CLAUDE_CODE = "2.1.330";

/**
 * Arguments of the image's build: the month, so that one that is deployed later has the fixes of its base since then, and
 * what of others it is to have.
 */
export const imageArguments = (now: Date, { packages = [], claudeCode = false }: Partial<WorkerImage> = {}) => ({
  MONTH: now.toISOString().slice(0, 7),
  PACKAGES: packages.join(" "),
  CLAUDE_CODE: claudeCode ? CLAUDE_CODE : "",
});

/** The folder of the build context for an agent of one's own, empty without one. */
export const agentFolder = "agent";

/**
 * Exactly what the worker's image is built from, besides that folder, the package and the files of the child: the files of
 * its build context, and what each is made of.
 */
export const imageFiles = { Dockerfile: "worker/Dockerfile", "main.mjs": workerEntry } as const;
