import { treeStormsOn } from "./storms.ts";

// Larger ones, and on DynamoDB: storms.test.ts
treeStormsOn("SQLite", [1], { most: 20, steps: 60 });
