import type { Identities } from "./requests/signature.ts";
import { awsJson, startStandIn } from "./requests/stand-in.ts";

type Asked = { registryId?: string; repositoryName: string; imageIds?: { imageTag?: string; imageDigest?: string }[] };

/**
 * Amazon ECR, for what the tags of private repositories stand for, on a free port of this machine.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 *
 * Left out: every other operation, pages, filters, images by digest, and every field of an image but its digest and tag.
 */
export async function startEcr({ region, identities }: { region: string; identities: Identities }) {
  /** Digests by `account/repository:tag`; one that is not here does not exist. */
  const digests: Record<string, string> = {};
  const service = await startStandIn({
    name: "ecr",
    region,
    identities,
    ...awsJson("AmazonEC2ContainerRegistry_V20150921"),
    answer({ operation, body }) {
      const { registryId, repositoryName, imageIds = [] } = JSON.parse(body.toString()) as Asked;
      const tag = imageIds[0]?.imageTag;
      const imageDigest = digests[`${registryId}/${repositoryName}:${tag}`];
      if (operation !== "DescribeImages") return { status: 400, code: "InvalidParameterException", message: operation };
      if (imageDigest === undefined)
        return { status: 400, code: "ImageNotFoundException", message: `the repository has no image ${tag}` };
      const imageDetails = [{ registryId, repositoryName, imageDigest, imageTags: [tag] }];
      return { status: 200, body: JSON.stringify({ imageDetails }) };
    },
  });
  return { ...service, digests };
}
