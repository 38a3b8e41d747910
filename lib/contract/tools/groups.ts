import * as z from "zod";
import { MAX_BRIEF, MAX_MEMBERS, MAX_SHARED_CONTEXT, nameSchema } from "../configuration.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const name = nameSchema.describe("Of the group, as in group of spawn_cloud_agent");
const texts = {
  description: field.text(MAX_BRIEF).optional().describe("How to work with it, for the caller; members are not told"),
  shared_context: field.text(MAX_SHARED_CONTEXT).optional().describe("Facts that members are told with each task"),
};
const memberGiven = z.strictObject({
  agent: nameSchema,
  use_for: field.line(500).optional().describe("What it is for in this group"),
});
const members = z.array(memberGiven).max(MAX_MEMBERS);

// The names of these fields are those of the Python program agent-dispatch: https://pypi.org/project/agent-dispatch/
const member = z.object({
  agent: z.string(),
  use_for: z.string().exactOptional(),
  /** Whether it can work. */
  healthy: z.boolean().exactOptional(),
  /** No profile has its name any more. */
  unknown: z.literal(true).exactOptional(),
});
const group = { name: z.string(), description: z.string(), member_count: z.number() };

export const listGroups = {
  input: z.strictObject({}),
  output: z.object({
    items: z.array(z.object({ ...group, shared_context_present: z.boolean(), members: z.array(member) })),
    more: field.unlisted(z.number()),
  }),
} satisfies ToolSchemas;

const inspected = {
  ...group,
  shared_context: z.string(),
  members: z.array(
    z.object({ ...member.shape, directory: z.string().exactOptional(), description: z.string().exactOptional() }),
  ),
};

export const inspectGroup = {
  input: z.strictObject({ name }),
  output: z.object(inspected),
} satisfies ToolSchemas;
export type InspectedGroup = z.infer<typeof inspectGroup.output>;

const written = { ...inspected, file: z.string(), dryRun: field.unlisted(z.literal(true)) };

export const addGroup = {
  input: z.strictObject({
    name,
    ...texts,
    members: members.optional(),
    dry_run: z.boolean().optional().describe("Check everything and write nothing"),
  }),
  output: z.object(written),
} satisfies ToolSchemas;

export const updateGroup = {
  input: z.strictObject({
    name,
    ...texts,
    members: members.optional().describe("Those that it has from then on"),
    add_members: members.optional(),
    remove_members: z.array(nameSchema).max(MAX_MEMBERS).optional(),
  }),
  output: z.object(written),
} satisfies ToolSchemas;

export const removeGroup = {
  input: z.strictObject({ name }),
  output: z.object({ name: z.string(), file: z.string(), removed: z.literal(true) }),
} satisfies ToolSchemas;
