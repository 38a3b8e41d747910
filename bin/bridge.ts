/** The bridge in a clone: what `bin/agent-dispatch.js` starts for `agent-dispatch bridge`. */
import "../lib/client/bridge/main.ts";
