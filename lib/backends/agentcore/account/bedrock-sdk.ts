import {
  BedrockClient,
  GetFoundationModelAvailabilityCommand,
  GetInferenceProfileCommand,
  GetUseCaseForModelAccessCommand,
} from "@aws-sdk/client-bedrock";

/** Of Bedrock's SDK what is used: all of it is more than everything else of AWS that a function loads. */
export const bedrockSdk = {
  BedrockClient,
  GetFoundationModelAvailabilityCommand,
  GetInferenceProfileCommand,
  GetUseCaseForModelAccessCommand,
};
