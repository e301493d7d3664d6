import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { environmentVariable, keys } from '../../src/config/schema.ts';
import { errorTable } from '../../src/errors.ts';
import { healthRoutes } from '../../src/http/routes/health.ts';
import { metricsRoute } from '../../src/http/routes/metrics.ts';
import { packageRoot, packageVersion } from '../../src/package-root.ts';

const read = (name: string) => parse(readFileSync(join(packageRoot, name), 'utf8'));

const deployment = read('k8s/deployment.yaml');
const service = read('k8s/service.yaml');
const job = read('k8s/train-job.yaml');
const claim = read('k8s/models-pvc.yaml');
const kustomization = read('k8s/kustomization.yaml');
const compose = read('compose.yaml');

const pods = { deployment: deployment.spec.template.spec, job: job.spec.template.spec };
const server = pods.deployment.containers[0];
const trainer = pods.job.containers[0];

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** What a container's variables say by themselves; what the cluster fills in is not among it. */
const environment = ({ env }: { env: readonly Variable[] }) =>
  Object.fromEntries(
    env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );

const serving = loadConfig({ file: 'configs/serve.json', env: environment(server) }).config;

describe('the Kubernetes manifests', () => {
  it('have one kustomization of files that exist', () => {
    for (const file of kustomization.resources) {
      expect(existsSync(join(packageRoot, 'k8s', file))).toBe(true);
    }
    const known = [...kustomization.resources, 'kustomization.yaml', 'train-job.yaml', 'README.md'];
    expect(readdirSync(join(packageRoot, 'k8s')).sort()).toEqual([...known].sort());
  });

  it.each([
    ['startupProbe', '/health/ready'],
    ['readinessProbe', '/health/ready'],
    ['livenessProbe', '/health/live'],
  ])('probe %s at %s, which the server has', (probe, path) => {
    expect(server[probe].httpGet).toEqual({ path, port: 'http' });
    expect(healthRoutes({} as never).map((route) => route.path)).toContain(path);
  });

  it.each(['startupProbe', 'readinessProbe', 'livenessProbe'])(
    'give %s three chances at least, of three seconds each',
    (probe) => {
      expect(server[probe].timeoutSeconds).toBe(3);
      expect(server[probe].failureThreshold).toBeGreaterThanOrEqual(3);
    },
  );

  it('bring a bundle that is trained anew to every server', () => {
    expect(serving.server.watch).toBe(true);
  });

  it('share a volume that pods on several nodes can mount', () => {
    expect(claim.spec.accessModes).toEqual(['ReadWriteMany']);
    const models = pods.deployment.volumes.find(({ name }: Variable) => name === 'models');
    expect(models.persistentVolumeClaim.readOnly).toBe(true);
  });

  it('send traffic and scrapes to the port that the server listens on', () => {
    const { annotations } = deployment.spec.template.metadata;
    expect(server.ports).toEqual([{ name: 'http', containerPort: serving.server.port }]);
    expect(service.spec.ports[0].targetPort).toBe('http');
    expect(annotations['prometheus.io/port']).toBe(String(serving.server.port));
    expect(annotations['prometheus.io/path']).toBe(metricsRoute({} as never).path);
  });

  it('select the pods that they make', () => {
    const { labels } = deployment.spec.template.metadata;
    expect(labels).toMatchObject(deployment.spec.selector.matchLabels);
    expect(labels).toMatchObject(service.spec.selector);
  });

  it('set only variables of configuration keys', () => {
    const variables = [...keys.keys()].map(environmentVariable);
    for (const { name } of [...server.env, ...trainer.env]) expect(variables).toContain(name);
  });

  it('give a stopping server the time that it may need', () => {
    const [, preStop] = server.lifecycle.preStop.exec.command;
    const { server: listening, queue } = serving;
    const needed = Number(preStop) + (listening.drain_delay_ms + queue.timeout_ms) / 1000;
    expect(pods.deployment.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  });

  it('serve the bundle that the Job writes to the claim', () => {
    const { config } = loadConfig({
      file: 'configs/quick.json',
      overrides: trainer.args.filter((argument: string) => argument.includes('=')),
      env: environment(trainer),
    });
    const inClaim = (path: string, container: typeof server) => {
      const { mountPath } = container.volumeMounts.find(({ name }: Variable) => name === 'models');
      return path.replace(`${mountPath}/`, '');
    };
    const written = inClaim(`/work/${config.model.out}`, trainer);
    expect(inClaim(serving.model.out, server)).toBe(written);
    for (const { volumes } of Object.values(pods)) {
      const models = volumes.find(({ name }: Variable) => name === 'models');
      expect(models.persistentVolumeClaim.claimName).toBe(claim.metadata.name);
    }
  });

  it('run the images of this version', () => {
    const { name, newTag } = kustomization.images[0];
    expect(server.image).toBe(name);
    expect(newTag).toBe(packageVersion);
    expect(trainer.image).toBe(`mbti-onnx-train:${packageVersion}`);
  });

  it.each(Object.entries(pods))('let the %s do no more than it must', (_name, pod) => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    for (const { securityContext, volumeMounts } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const volumes = pod.volumes.map(({ name }: Variable) => name);
      const mounted = new Set(volumeMounts.map(({ name }: Variable) => name));
      expect([...mounted].sort()).toEqual(volumes.sort());
    }
  });
});

describe('the training Job', () => {
  it('has another name each time, so that none waits for the one before it to be gone', () => {
    expect(job.metadata.name).toBeUndefined();
    expect(job.metadata.generateName).toMatch(/^[a-z-]+-$/);
    expect(job.spec.ttlSecondsAfterFinished).toBeGreaterThan(0);
    // What has no name can be created, not applied.
    expect(kustomization.resources).not.toContain('train-job.yaml');
    const document = readFileSync(join(packageRoot, 'k8s/README.md'), 'utf8');
    expect(document).toContain('kubectl create -f k8s/train-job.yaml');
    expect(document).not.toMatch(/kubectl apply.*train-job/);
  });

  it('goes on in its next pod with the run that the last one left on the volume', () => {
    expect(trainer.args).toContain('--continue');
    const run = trainer.env.find(({ name }: Variable) => name === 'MBTI_RUN_NAME');
    expect(run.valueFrom.fieldRef.fieldPath).toBe(
      "metadata.labels['batch.kubernetes.io/job-name']",
    );
    const mounts = trainer.volumeMounts.filter(({ name }: Variable) => name === 'models');
    expect(mounts).toEqual([
      { name: 'models', mountPath: '/work/models' },
      // Servers pass over names that begin with a dot.
      { name: 'models', mountPath: '/work/runs', subPath: '.runs' },
    ]);
  });

  it('ends at once where another pod would find the same', () => {
    const rule = job.spec.podFailurePolicy.rules.find(
      ({ action }: { action: string }) => action === 'FailJob',
    );
    const hopeless = ['config_invalid', 'usage', 'file_missing'] as const;
    expect(rule.onExitCodes).toEqual({
      containerName: trainer.name,
      operator: 'In',
      values: [...new Set(hopeless.map((code) => errorTable[code].exitCode))],
    });
    // A policy for failures needs pods that are not restarted in place.
    expect(pods.job.restartPolicy).toBe('Never');
  });
});

describe('compose.yaml', () => {
  const { api, train } = compose.services;

  it('builds both images from their Dockerfiles', () => {
    expect(existsSync(join(packageRoot, api.build.dockerfile))).toBe(true);
    expect(existsSync(join(packageRoot, train.build.dockerfile))).toBe(true);
  });

  it('serves the folder that training writes', () => {
    const host = (volumes: string[], inside: string) =>
      volumes.find((volume) => volume.split(':')[1] === inside)?.split(':')[0];
    expect(host(train.volumes, '/work/models')).toBe('./models');
    expect(host(api.volumes, '/models')).toBe('./models');
  });

  it('names no variable that shells do not hand on', () => {
    expect(JSON.stringify(compose)).not.toContain('${');
    expect(train.user).toBeUndefined();
  });

  it('serves what is trained meanwhile', () => {
    const { config } = loadConfig({ file: 'configs/serve.json', env: api.environment });
    expect(config.server.watch).toBe(true);
  });

  it('gives a stopping server the time that it may need', () => {
    const { server: listening, queue } = loadConfig({ file: 'configs/serve.json', env: {} }).config;
    const needed = (listening.drain_delay_ms + queue.timeout_ms) / 1000;
    expect(Number.parseInt(api.stop_grace_period, 10)).toBeGreaterThan(needed);
  });
});
