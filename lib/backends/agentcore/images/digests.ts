import { nameOf } from "../../../aws/sdk-errors.ts";
import type { Logger } from "../../../contract/logger.ts";
import type { Clients } from "../account/clients.ts";
import { parseImage, repositoryOf } from "../resources.ts";

/** For how long an answer of the registry is used again. */
const FRESH_MS = 60_000;

/** An image as it was named, and so named that it means the same for ever. */
export type ExactImage = { named: string; exact: string };

type Account = { accountProfile: string };
export type DigestOf = (of: Account, image: string) => Promise<ExactImage | undefined>;

type Options = {
  clientsOf: (of: Account) => Clients;
  /** The image that the stack built: its tag is the hash of what it was built from, and its repository lets nobody move one. */
  ownImage?: string | undefined;
  log: Logger;
  now: () => number;
};

/**
 * What the name of an image stands for now. A tag is looked up in Amazon ECR; undefined where nobody can tell, because the
 * image is elsewhere, or the registry does not let us look. Never throws.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 */
export function imageDigests({ clientsOf, ownImage, log, now }: Options): DigestOf {
  const known = new Map<string, { untilMs: number; exact: Promise<string | undefined> }>();

  const lookUp = (of: Account, image: string): Promise<string | undefined> =>
    digestOf(clientsOf(of), image).catch((error: unknown) => {
      log.warn("it cannot be told which image a tag stands for, so each task gets a runtime of its own", {
        image,
        hint: "allow ecr:DescribeImages on the repository, or name the image by its digest",
        error: `${nameOf(error)}: ${error instanceof Error ? error.message : String(error)}`,
      });
      return undefined;
    });

  return async (of, image) => {
    if (/@sha256:[0-9a-f]{64}$/.test(image)) return { named: image, exact: image };
    if (image === ownImage) return { named: "", exact: image };
    const key = JSON.stringify([of.accountProfile, image]);
    const seen = known.get(key);
    const answer = seen && seen.untilMs > now() ? seen : { untilMs: now() + FRESH_MS, exact: lookUp(of, image) };
    known.set(key, answer);
    const exact = await answer.exact;
    return exact === undefined ? undefined : { named: image, exact };
  };
}

async function digestOf(clients: Clients, image: string): Promise<string | undefined> {
  const { account, region } = parseImage(image) ?? {};
  // A public registry cannot be asked by those who only read there.
  if (account === undefined || region === undefined) return undefined;
  const repository = repositoryOf(image);
  const tag = image.slice(repository.length).replace(/^:/, "") || "latest";
  const { client, DescribeImagesCommand } = await clients.images(region);
  const { imageDetails = [] } = await client.send(
    new DescribeImagesCommand({
      registryId: account,
      repositoryName: repository.slice(repository.indexOf("/") + 1),
      imageIds: [{ imageTag: tag }],
    }),
  );
  const digest = imageDetails[0]?.imageDigest;
  return digest === undefined ? undefined : `${repository}@${digest}`;
}
