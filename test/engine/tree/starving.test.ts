import { describe } from "vitest";
import { starvingOn } from "./starving.ts";

describe("on SQLite", () => starvingOn("SQLite"));
describe("on DynamoDB", () => starvingOn("DynamoDB"));
