import './telemetry-off.ts';

export { InferenceSession, Tensor } from 'onnxruntime-node';
