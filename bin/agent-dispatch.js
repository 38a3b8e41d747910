#!/usr/bin/env node
import { launch } from "./launch.js";

// The bridge is a program of its own: a client waits for it, and it runs where nothing else of this does.
await launch(["bridge", "serve"].includes(process.argv[2]) ? "bridge" : "agent-dispatch");
