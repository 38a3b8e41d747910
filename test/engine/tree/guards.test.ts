import { describe } from "vitest";
import { guardOn } from "./guard.ts";

describe("on SQLite", () => guardOn("SQLite"));
describe("on DynamoDB", () => guardOn("DynamoDB"));
