import { RemovalPolicy } from "aws-cdk-lib";
import {
  type Attribute,
  AttributeType,
  BillingMode,
  ProjectionType,
  Table,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { CloudSettings } from "../contract/cloud.ts";
import { tableDescription } from "../store/dynamodb/table.ts";

const text = (name: string): Attribute => ({ name, type: AttributeType.STRING });
const number = (name: string): Attribute => ({ name, type: AttributeType.NUMBER });

/** The one table with everything that is known of tasks. */
export class TaskTable extends Construct {
  readonly name: string;
  readonly #table: Table;

  constructor(scope: Construct, id: string, { retainData, deletionProtection }: CloudSettings) {
    super(scope, id);
    const { partitionKey, sortKey, expiry, byOwner, open } = tableDescription;
    this.#table = new Table(this, "Table", {
      partitionKey: text(partitionKey),
      sortKey: text(sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: expiry,
      // With a key that AWS owns and does not bill.
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection,
      removalPolicy: retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    for (const index of [byOwner, open])
      this.#table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: number(index.sortKey),
        projectionType: ProjectionType.KEYS_ONLY,
      });
    this.name = this.#table.tableName;
  }

  /** Items and their indexes; nobody scans, and nobody changes the table itself. */
  grantReadWrite({ grantPrincipal }: IGrantable): void {
    const { tableArn } = this.#table;
    const { byOwner, open } = tableDescription;
    const verbs = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"];
    grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: verbs.map((verb) => `dynamodb:${verb}`), resources: [tableArn] }),
    );
    grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["dynamodb:Query"],
        resources: [byOwner, open].map((index) => `${tableArn}/index/${index.name}`),
      }),
    );
  }
}
