/** What may follow gamma · xHat + beta (+ residual) in the same pass; each a part of shaders/activations. */
export type ActivationName = 'none' | 'relu';
