import { DescribeImagesCommand, ECRClient } from "@aws-sdk/client-ecr";

/** Of ECR's SDK what is used: a bundle has no more of it. */
export const ecrSdk = { DescribeImagesCommand, ECRClient };
