/** The program that the image runs. */
export const workerEntry = "worker/main.ts";

/** Arguments of the image's build: the month, so that one that is deployed later has the fixes of its base since then. */
export const imageArguments = (now: Date) => ({ MONTH: now.toISOString().slice(0, 7) });

/** The folder of the build context for an agent of one's own, empty without one. */
export const agentFolder = "agent";

/** Exactly what the worker's image is built from: the files of its build context besides that folder, and what each is made of. */
export const imageFiles = { Dockerfile: "worker/Dockerfile", "main.mjs": workerEntry } as const;
