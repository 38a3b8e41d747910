import { type ILogGroup, QueryDefinition, QueryString } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { CloudSettings } from "../contract/cloud.ts";
import { savedQueries } from "./saved-queries.ts";

type Props = { cloud: CloudSettings; logGroups: readonly ILogGroup[] };

/** The questions that an operator has, ready in the console of CloudWatch: they cost nothing until they are run. */
export class LogQueries extends Construct {
  constructor(scope: Construct, id: string, { cloud, logGroups }: Props) {
    super(scope, id);
    for (const { name, lines } of savedQueries)
      new QueryDefinition(this, name.replaceAll(/\W/g, ""), {
        queryDefinitionName: `${cloud.stackName}/${name}`,
        // As they are written: the builder knows fewer commands, and puts them into an order of its own.
        queryString: new Verbatim(lines.join("\n| ")),
        logGroups: [...logGroups],
      });
  }
}

class Verbatim extends QueryString {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  override toString(): string {
    return this.#text;
  }
}
