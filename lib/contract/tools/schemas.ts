import type * as z from "zod";

/** What a tool takes and gives. */
export type ToolSchemas = {
  input: z.ZodObject;
  output: z.ZodType;
  /** Other names under which a field of the input is accepted. */
  aliases?: Readonly<Record<string, string>>;
  /** Whether more fields are accepted than the input lists: what a profile asks for. */
  open?: boolean;
};
