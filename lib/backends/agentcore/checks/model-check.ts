import { failureOf } from "../../../aws/sdk-errors.ts";
import { bedrockId, bedrockModel } from "../../../contract/cloud.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import type { Clients, Models } from "../account/clients.ts";
import { fail, pass, reasonOf, type Within, warn } from "./checks.ts";

const CHECK = "model";
const HOW =
  "open it in the model catalog of the Bedrock console, in the account and region of the workers; a model of Anthropic asks " +
  "for the account's use case once (aws bedrock put-use-case-for-model-access)";

/**
 * Whether the account may ask the model that an agent would get, without asking it: whether its inference profile is there,
 * what Bedrock says of the account's access, and, for a model of Anthropic, whether the account has said its use case. What
 * cannot be read, or is not told clearly, is a warning: the task may run all the same.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
 */
export async function modelCheck(
  clients: Clients,
  { model }: Placement,
  region: string,
  within: Within,
): Promise<Check[]> {
  const id = bedrockId(model);
  const named = id === undefined ? undefined : bedrockModel(id);
  if (id === undefined || !named) return [];
  const [profile, access, useCase] = await Promise.allSettled([
    within(ask(clients, region, named.profile, profileOf)),
    within(ask(clients, region, named.model, accessOf)),
    within(ask(clients, region, named.model?.startsWith("anthropic.") ? named.model : undefined, useCaseOf)),
  ]);
  // What stands behind a profile is the profile's business.
  const [there, kind] = named.profile === undefined ? [access, "model"] : [profile, "inference profile"];
  if (saidBy(there) === "missing")
    return [fail(CHECK, `there is no ${kind} ${id} in ${region}: name another model, or set cloud.models`)];
  if (saidBy(access) === "denied") return [fail(CHECK, `the account has no access to ${id} in ${region}: ${HOW}`)];
  if (saidBy(useCase) === "missing")
    return [
      warn(CHECK, `the account has not said for what it uses models of Anthropic, unless its organization has: ${HOW}`),
    ];
  if (saidBy(access) === "new")
    return [
      warn(CHECK, `${id}: the first request subscribes the account to it, which can take minutes and be refused`),
    ];
  const unread = [profile, access, useCase].find((one) => one.status === "rejected");
  if (unread) return [warn(CHECK, `whether the account may use ${id} could not be read: ${reasonOf(unread.reason)}`)];
  return [pass(CHECK, `${id} in ${region}`)];
}

/** What Bedrock answered: there is none, the account may not, or has not yet. Undefined where nothing speaks against it. */
type Said = "missing" | "denied" | "new" | undefined;

const saidBy = (settled: PromiseSettledResult<Said>): Said =>
  settled.status === "fulfilled" ? settled.value : undefined;

/** Asks where there is something to ask for; an id that Bedrock does not know is missing, whichever way it says so. */
async function ask(
  clients: Clients,
  region: string,
  id: string | undefined,
  question: (bedrock: Models, id: string) => Promise<Said>,
): Promise<Said> {
  if (id === undefined) return undefined;
  try {
    return await question(await clients.models(region), id);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === "missing" || failure === "invalid") return "missing";
    throw error;
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetInferenceProfile.html */
async function profileOf({ client, GetInferenceProfileCommand }: Models, id: string): Promise<Said> {
  await client.send(new GetInferenceProfileCommand({ inferenceProfileIdentifier: id }));
  return undefined;
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetUseCaseForModelAccess.html */
async function useCaseOf({ client, GetUseCaseForModelAccessCommand }: Models): Promise<Said> {
  await client.send(new GetUseCaseForModelAccessCommand({}));
  return undefined;
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModelAvailability.html */
async function accessOf({ client, GetFoundationModelAvailabilityCommand }: Models, modelId: string): Promise<Said> {
  const { authorizationStatus, entitlementAvailability, agreementAvailability } = await client.send(
    new GetFoundationModelAvailabilityCommand({ modelId }),
  );
  if (authorizationStatus === "NOT_AUTHORIZED") return "denied";
  const isNew = entitlementAvailability === "NOT_AVAILABLE" || agreementAvailability?.status === "NOT_AVAILABLE";
  return isNew ? "new" : undefined;
}
