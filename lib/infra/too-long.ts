/**
 * What the gateway answers to a request of which no event for a function can be made: 6 MB at most, in which every
 * quotation mark and backslash of the body is written as two characters. The same error as the endpoint's own.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const tooLong = JSON.stringify({
  jsonrpc: "2.0",
  error: {
    code: -32_000,
    message:
      "The request is too long: a body may have 4194304 bytes, and 6 MB once each quotation mark and backslash in it is " +
      "escaped. Leave out what the job can fetch by itself",
  },
  id: null,
});
