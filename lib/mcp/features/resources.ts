import {
  type ListResourcesResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  type Resource,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from "@modelcontextprotocol/server";
import type { Feature, Scope } from "../feature.ts";

/** Resources as an endpoint serves them. */
export type ServedResources = {
  list(scope: Scope, cursor?: string): Promise<{ resources: Resource[]; nextCursor?: string }>;
  templates: readonly ResourceTemplateType[];
  /** Nothing where there is no such resource. */
  read(scope: Scope, uri: string): Promise<ReadResourceResult | undefined>;
  /** Values that a variable of a template may have which begin with what is there of it. */
  complete?(scope: Scope, template: string, variable: string, value: string): Promise<string[]>;
};

/** `resources/list`, `resources/templates/list` and `resources/read`, of all that are served. */
export function resourcesFeature(served: readonly ServedResources[]): Feature {
  return {
    capabilities: () => ({ resources: { listChanged: false } }),
    register(server, scope) {
      server.setRequestHandler("resources/list", ({ params }) => listFrom(served, scope, params?.cursor));
      server.setRequestHandler("resources/templates/list", () => ({
        resourceTemplates: served.flatMap(({ templates }) => templates),
      }));
      server.setRequestHandler("resources/read", async ({ params: { uri } }) => {
        for (const one of served) {
          const read = await one.read(scope, uri);
          if (read) return read;
        }
        throw new ResourceNotFoundError(uri);
      });
    },
  };
}

/** One after the other; a cursor says whose turn it is, and where that one goes on. */
async function listFrom(served: readonly ServedResources[], scope: Scope, cursor = "0:"): Promise<ListResourcesResult> {
  const [, digits = "", from] = /^(\d{1,3}):(.*)$/s.exec(cursor) ?? [];
  const index = Number(digits);
  const one = served[index];
  if (digits === "" || !one) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "This cursor is not one of ours");
  const { resources, nextCursor } = await one.list(scope, from || undefined);
  if (nextCursor !== undefined) return { resources, nextCursor: `${index}:${nextCursor}` };
  return index + 1 < served.length ? { resources, nextCursor: `${index + 1}:` } : { resources };
}
