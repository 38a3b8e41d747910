/** The program that the image runs. */
export const workerEntry = "worker/main.ts";

/** Exactly what the worker's image is built from: the files of its build context, and what each is made of. */
export const imageFiles = { Dockerfile: "worker/Dockerfile", "main.mjs": workerEntry } as const;
