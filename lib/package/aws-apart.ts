/** What of the SDK of AWS clients load when they first need it: a bundle of its own, which each program finds beside itself. */
export const awsEntry = "lib/client/http/aws.ts";
export const awsFile = "./aws.mjs";
