import type { Asked } from "../emulators/requests/authorized.ts";
import { type Decision, decide } from "./evaluate.ts";
import { type Statement, Synthesis } from "./synthesis.ts";

/** What the things of a stack are called in some account. */
export type Names = { tableArn: string; bucket: string; sharedRuntimeArn: string; workerRoleArn: string };

/** The policies of a stack's roles as they are in an account: of each function, of the `worker` and of the `workflow`. */
export class Policies {
  /** What each role is allowed, by the name of whoever has it. */
  readonly statements: ReadonlyMap<string, readonly Statement[]>;
  /** Of them the functions. */
  readonly functions: readonly string[];

  private constructor(statements: ReadonlyMap<string, readonly Statement[]>, functions: readonly string[]) {
    this.statements = statements;
    this.functions = functions;
  }

  /** `file` is the configuration. Throws an Error when a name is left that nobody gave. */
  static async of(file: object, { tableArn, bucket, sharedRuntimeArn, workerRoleArn }: Names): Promise<Policies> {
    const stack = await Synthesis.of(file);
    const names: Readonly<Record<string, string>> = {
      "<TasksTable.Arn>": tableArn,
      "<ArtifactsBucket.Arn>": `arn:aws:s3:::${bucket}`,
      "<1 of <SharedRuntime.AgentRuntimeArn> at />": sharedRuntimeArn.split("/")[1] ?? "",
      "<SharedRuntime.AgentRuntimeArn>": sharedRuntimeArn,
      "<WorkerRole.Arn>": workerRoleArn,
      // As every API of the tests is called.
      "<McpApi>": "api1234567",
    };
    const named = (resource: string) =>
      Object.entries(names).reduce((so, [token, name]) => so.replaceAll(token, name), resource);
    const functions = Object.keys(stack.functions);
    const machine = stack.only("AWS::StepFunctions::StateMachine").RoleArn as { "Fn::GetAtt": [string] };
    const roles = [
      ...functions.map((name) => [name, stack.roleOf(name)] as const),
      ["worker", "WorkerRole"] as const,
      ["workflow", machine["Fn::GetAtt"][0].replace(/[0-9A-F]{8}$/, "")] as const,
    ];
    return new Policies(
      new Map(
        roles.map(([name, role]) => [
          name,
          stack.allowedTo(role).map((statement) => ({ ...statement, resources: statement.resources.map(named) })),
        ]),
      ),
      functions,
    );
  }

  /** Whether the role of that name may do it. */
  decide(name: string, asked: Asked): Decision {
    return decide(this.statements.get(name) ?? [], asked);
  }
}
