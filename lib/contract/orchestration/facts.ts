/** What an agent is told besides its task, as facts with names: a prompt gives each one, and a text has none. An empty text is none. */
export const factsOf = (context: unknown): unknown =>
  typeof context === "string" ? (context === "" ? undefined : { Details: context }) : context;
