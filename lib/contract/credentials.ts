/** Names that mean a credential, compared without `_` and `-` and in lower case. */
const credentialNames = new Set(
  ["accessKeyId", "secretAccessKey", "sessionToken", "apiKey", "clientSecret", "privateKey", "password", "token"].map(
    (name) => name.toLowerCase(),
  ),
);
/**
 * Environment variables of the AWS credential family, also of one account or service among several
 * (`DEV_AWS_SECRET_ACCESS_KEY`, `AWS_BEARER_TOKEN_BEDROCK`); not those that say where a credential is, as a file or an address.
 * https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
 */
const awsCredential =
  /aws(?:accesskey|secretkey|secretaccesskey)|aws(?:session|security|bearer|webidentity|containerauthorization)token(?!file)/;

const isCredentialName = (key: string): boolean => {
  const plain = key.toLowerCase().replaceAll(/[_-]/g, "");
  return credentialNames.has(plain) || awsCredential.test(plain);
};

/** Paths (dotted, array items by number) of all keys that name a credential, at any depth. Values are never looked at. */
export function forbiddenPaths(value: unknown, path = ""): string[] {
  const found: string[] = [];
  const pending: { value: unknown; path: string }[] = [{ value, path }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    for (const [key, child] of Object.entries(next.value)) {
      const childPath = next.path ? `${next.path}.${key}` : key;
      if (!Array.isArray(next.value) && isCredentialName(key)) found.push(childPath);
      pending.push({ value: child, path: childPath });
    }
  }
  return found.sort();
}
