import { describe } from "vitest";
import { dyingOn } from "./dying.ts";

describe("on SQLite", () => dyingOn("SQLite", 1));
describe("on DynamoDB", () => dyingOn("DynamoDB", 5));
