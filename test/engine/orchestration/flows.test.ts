import { describe } from "vitest";
import { flowsOn } from "./flows.ts";

describe("on SQLite", () => flowsOn("SQLite"));
describe("on DynamoDB", () => flowsOn("DynamoDB"));
