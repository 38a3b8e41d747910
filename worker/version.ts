import manifest from "../package.json" with { type: "json" };

/** The version that `hello` reports. */
export const version = manifest.version;
